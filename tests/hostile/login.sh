#!/bin/sh
. "$(dirname "$0")/hostile.sh"
hostile login
