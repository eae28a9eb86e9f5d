# Everything a developer or CI runs. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# What `make run` takes: make run ADDR=127.0.0.1:8081 DATA=/tmp/trial LEADS=200
ADDR  ?= 127.0.0.1:8080
DATA  ?= data
ENV   ?= prod
LEADS ?= 5000

help: ## list the targets, with the values that they would have
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST) | \
		sed $(foreach v,ADDR DATA ENV LEADS,-e 's|$$($v)|$($v)|')

run: segue ## serve on ADDR=$(ADDR) over DATA=$(DATA), a new one with LEADS=$(LEADS); RESET=1 deletes DATA first, DEMO=1 adds the demo to it, TLS=1 is https
	@bin/segue serve --data $(DATA) --addr $(ADDR) --leads $(LEADS) $(call flag,reset,$(RESET)) $(call flag,demo,$(DEMO)) $(call flag,tls,$(TLS))
flag = $(if $(strip $2),--$1=$(strip $2))

segue: ## build the laptop program, bin/segue
	@[[ -x bin/segue ]] || echo 'Building bin/segue. The first time Go fetches and compiles its libraries, which takes a few minutes on a small machine.'
	@go build -o bin/segue ./cmd/segue

# The race detector needs a C compiler.
RACE = $(shell [[ $$(go env CGO_ENABLED) == 1 ]] && command -v $$(go env CC) >/dev/null && echo -race)

test: ## run all tests that need nothing but Go
	$(if $(RACE),,@echo 'There is no C compiler (go env CC), so the tests run without the race detector.')
	go test $(RACE) -shuffle=on -timeout 8m ./...

lint: ## check style and the imports between packages
	scripts/lint.sh run

store: ## run the store contract and the domain's tests on the emulator
	scripts/with-emulator.sh scripts/store.sh

e2e: ## run the real parts end to end; RUN=TestBuild, TestInvoke, TestStartAPI, TestCloud, TestOwnTables, TestWalkthrough, TestClients, TestREADME
	go test -tags e2e -count=1 -timeout 20m -v -run '$(RUN)' ./tests/e2e

runbooks: ## follow the runbooks that deploy another version, and deploy own tables, end to end
	$(MAKE) e2e RUN='TestRunbooks|TestBuild|TestOwnTables'

invoke: ## run one function in a container: make invoke FN=connect
	scripts/invoke.sh $(FN)

api: ## serve the functions with `sam local start-api` on port 3000
	scripts/api.sh start

validate: ## check template.yaml, and what SAM makes of it
	scripts/sam.sh exec validate --lint
	go test -tags e2e -count=1 ./tests/stack

build: ## build the functions as they will be deployed, with the tables of SCHEMA=folder, and check the sizes of their zips
	scripts/build.sh $(if $(SCHEMA),--schema '$(SCHEMA)') && scripts/zip-sizes.sh

deploy: build ## deploy to ENV=$(ENV) with SAM, the first time with ISSUER=https://… AUDIENCE=…; SCHEMA=folder is part of it, DROP=table,table.column may go
	DROP='$(DROP)' scripts/deploy.sh $(ENV) $(foreach p,ISSUER AUDIENCE TABLE STREAM ORGANIZATION PUBLIC_URL MAIL_FROM MAIL_IDENTITY TRACK_KEY,$(if $($p),'$p=$($p)')) $(PARAMETERS)

cloud: ## deploy the stack to an emulator of AWS on this machine, and leave it running
	scripts/cloud.sh up

cloud-stop: ## stop it
	scripts/cloud.sh stop

bench: ## print the benchmark table; that of the evaluation of segments is printed by bench-engine
	scripts/bench.sh

bench-engine: ## print what the evaluation of segments takes beside cel-go and expr, which it fetches
	cd benchmarks/engine && go run .

test-engine: ## check that the evaluation of segments agrees with cel-go and expr, which it fetches
	cd benchmarks/engine && go vet . && go test -timeout 8m .

bench-million: ## print what the embedded store does with 5,000 to a million leads
bench-lists: ## print what lists of 100,000 leads cost on both stores
bench-pocketbase: ## print what Segue does beside PocketBase, which it builds
bench-million bench-lists bench-pocketbase:
	scripts/$@.sh

soak: ## run the fault, race and property tests for a long time
	go test -tags soak -timeout 30m -run Soak -v ./internal/filter/engine ./internal/sales/...

clean: ## remove what was fetched and built (not ./data)
	scripts/emulator.sh stop
	rm -rf $(or $(SEGUE_CACHE),.cache) .aws-sam bin

.PHONY: help run segue test test-engine lint store e2e runbooks invoke api validate build deploy cloud cloud-stop bench bench-engine bench-million bench-lists bench-pocketbase soak clean
