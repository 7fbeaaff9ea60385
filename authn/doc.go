// Package authn keeps API tokens fresh.
package authn
