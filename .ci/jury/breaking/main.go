package main

import _ "github.com/oasdiff/oasdiff/checker"

func main() {}
