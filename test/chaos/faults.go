package main
import "context"
func faults(ctx context.Context, a *arena, s settings, b *board) error { return nil }
