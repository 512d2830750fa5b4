/* alias.h - an aliases file: local names, and the addresses they stand for
 * (aliases(5) of sendmail and Postfix).
 *
 *   # a comment
 *   root: admin@example.org, "john doe"
 *       another@example.org
 *   default: postmaster
 *
 * A line that begins with a blank continues the one before it. Names are
 * compared without regard to (ASCII) case; of two definitions the first counts;
 * `default' is for every name that has none. A target that is no address and no
 * name (a command, a file, an :include:) is an error where it is reached, for
 * nothing is ever run or written. Pure and bounded; the file is taken for
 * hostile.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "mail/address.h"

#define ALIAS_FILE_MAXIMUM (1024 * 1024)
#define ALIAS_DEPTH_MAXIMUM 100
#define ALIAS_FOUND_MAXIMUM 10000

/* Where a domain (NULL: none) leads. HOSTS are this machine's names, ended by
 * NULL. */
typedef enum
{
  LOCALITY_ELSEWHERE,
  LOCALITY_HOST, /* one of HOSTS; mail for it may be kept anywhere */
  LOCALITY_NAME, /* none, localhost, or without a dot: a name of this machine,
                    that no relay can know */
} Locality;
Locality alias_locality (const char *domain, const char *const *hosts);

typedef struct Aliases Aliases;

/* LENGTH octets of TEXT, which came from FILE. A line that says nothing is left
 * out, and is a problem. */
Aliases *aliases_parse (const char *file, const char *text, size_t length);
void aliases_free (Aliases *aliases);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Aliases, aliases_free)

/* What is wrong with the file, "file:line: text" (of char *), in its order.
 * They belong to ALIASES. */
const GPtrArray *aliases_problems (const Aliases *aliases);

/* Appends to FOUND (of Address, owned by it) where mail for ADDRESS goes: the
 * addresses it stands for, or itself. One without a domain is a local name that
 * stands for nothing else. A name of HOSTS counts where it is defined, else it
 * is an address like any other. A name among its own targets is the mailbox
 * that it has on other machines: without it the others do, which is a note (of
 * char *). ALIASES may be NULL: no file. FAILURE_CONFIG, with file and line,
 * where ADDRESS leads to what is no recipient, back to itself, or too far. */
bool aliases_expand (const Aliases *aliases, const Address *address,
                     const char *const *hosts, GPtrArray *found,
                     GPtrArray *notes, GError **error);
