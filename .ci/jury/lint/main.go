package main

import (
	_ "github.com/daveshanley/vacuum/motor"
	_ "github.com/daveshanley/vacuum/rulesets"
)

func main() {}
