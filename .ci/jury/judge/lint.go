package main

import (
	"fmt"
	"log/slog"
	"os"
	"sort"
	"time"

	"github.com/daveshanley/vacuum/motor"
	"github.com/daveshanley/vacuum/rulesets"
)

// lint prints what vacuum finds. Whatever the ruleset leaves on must be
// silent: warnings count as errors do.
func lint(ruleset string, documents []string) error {
	data, err := os.ReadFile(ruleset)
	if err != nil {
		return err
	}
	supplied, err := rulesets.CreateRuleSetFromData(data)
	if err != nil {
		return fmt.Errorf("%s: %w", ruleset, err)
	}
	rules := rulesets.BuildDefaultRuleSets().GenerateRuleSetFromSuppliedRuleSet(supplied)
	if len(rules.Rules) < 30 {
		return fmt.Errorf("%s: only %d rules are on", ruleset, len(rules.Rules))
	}
	for off := range supplied.RuleDefinitions {
		if rulesets.GetAllBuiltInRules()[off] == nil {
			return fmt.Errorf("%s: there is no rule %s", ruleset, off)
		}
	}
	found := 0
	for _, name := range documents {
		spec, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		log := &complaints{}
		result := motor.ApplyRulesToRuleSet(&motor.RuleSetExecution{
			RuleSet: rules, SpecFileName: name, Spec: spec,
			Logger:  slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError})),
			Timeout: time.Minute, NodeLookupTimeout: 10 * time.Second,
		})
		var lines []string
		for _, err := range result.Errors {
			lines = append(lines, fmt.Sprintf("%s: %v", name, err))
		}
		for _, line := range *log { // a rule that ran out of time is only logged
			lines = append(lines, fmt.Sprintf("%s: %s", name, line))
		}
		for _, r := range result.Results {
			line := 0
			if r.StartNode != nil {
				line = r.StartNode.Line
			}
			lines = append(lines, fmt.Sprintf("%s:%d: %s: %s", name, line, r.RuleId, r.Message))
		}
		sort.Strings(lines)
		for _, line := range lines {
			fmt.Println(line)
		}
		found += len(lines)
	}
	if found > 0 {
		return fmt.Errorf("%d findings", found)
	}
	fmt.Printf("vacuum: %d documents, %d rules, no finding\n", len(documents), len(rules.Rules))
	return nil
}

// complaints collects the lines of a log.
type complaints []string

func (c *complaints) Write(p []byte) (int, error) {
	*c = append(*c, string(p))
	return len(p), nil
}
