# One command per intent; the work is done by `cargo xtask` (xtask/src), the same here and in CI.
#
#   make demo    build and run the demonstration      (ARGS="--yes" passes arguments)
#   make test    everything that must hold            (formats, lints, licences, architecture, all tests)
#   make check   the quick part of it                 (under 3 minutes once built)

# Build products stay outside of the checkout, so that a clone is only sources. Each checkout has a folder of its own
# there: two that share one would replace each other's programs while tests run them.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/miyabi/target/$(firstword $(shell printf '%s' '$(CURDIR)' | cksum))

.DEFAULT_GOAL := help
.PHONY: help demo test check fix advisories

help:
	@sed -n 's/^#   //p' $(firstword $(MAKEFILE_LIST))

demo test check fix advisories: toolchain
	@cargo xtask $@ $(ARGS)

.PHONY: toolchain
toolchain:
	@command -v cargo >/dev/null || { \
	  echo "error: cargo is not on the PATH"; \
	  echo "  fix: install Rust 1.94 or newer (rustup), then open a new terminal"; exit 2; } >&2
	@command -v cc >/dev/null || { \
	  echo "error: no C compiler (cc), which the bundled SQLite needs"; \
	  echo "  fix: apt-get install -y build-essential   (or your system's equivalent)"; exit 2; } >&2
