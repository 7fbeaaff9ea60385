// Command judge holds the documents against libraries that the project itself
// does not use.
//
//	judge fixtures <specs>           verdicts of libopenapi-validator, as JSON
//	judge lint <ruleset> <document>… findings of vacuum
package main

import (
	"fmt"
	"os"
)

func main() {
	err := fmt.Errorf("usage: judge fixtures <specs> | judge lint <ruleset> <document>…")
	switch args := os.Args[1:]; {
	case len(args) == 2 && args[0] == "fixtures":
		err = fixtures(args[1])
	case len(args) > 2 && args[0] == "lint":
		err = lint(args[1], args[2:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}
