# How `sam build` makes a function, with or without the project's scripts: as a static
# program without tables of symbols, without paths of the machine, without the RPC of
# runtimes that are gone, and without HTTP/2, which none of their requests needs.
# GOARCH is what the Makefile that includes this says.
here := $(dir $(lastword $(MAKEFILE_LIST)))

build-%Function:
	cd $(here) && GOFLAGS= CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) \
		go build -trimpath -buildvcs=false -tags=lambda.norpc,nethttpomithttp2 -ldflags='-s -w' \
		-o "$(ARTIFACTS_DIR)/bootstrap" segue/functions/$(shell echo $* | tr A-Z a-z)
