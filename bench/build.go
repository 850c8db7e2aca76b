package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

const mebibyte = 1 << 20

// build makes the program as it is released: static and stripped.
func build(ctx context.Context, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", to, "github.com/imaginebridge/imaginebridge/cmd/imaginebridge") //nolint:gosec // a path of ours
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")                                                                                                     //nolint:forbidigo // a program that builds another
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// size tells how big the program is.
func size(_ context.Context, p plan) ([]figure, error) {
	info, err := os.Stat(p.binary)
	if err != nil {
		return nil, err
	}
	return []figure{{Section: "size", What: "stripped binary", Value: float64(info.Size()) / mebibyte, Unit: "MiB", Most: 45}}, nil
}
