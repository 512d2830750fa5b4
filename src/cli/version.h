/* version.h - what this program is, and what it stands on. */
#pragma once

/* Prints name, version, licence and the libraries at work. */
void version_print (void);
