/* address.h - mailboxes, address lists and paths (RFC 5322 section 3.4 and 4.4,
 * RFC 6532, RFC 5321 section 4.1.2).
 *
 * Parsed once, at the edge: the rest of the program sees local-part and domain
 * apart and never looks for an '@'. Pure and bounded; hostile input is the
 * rule. Understood: comments (nested), quoted strings, groups, routes (dropped,
 * RFC 5321 appendix C), folding, obsolete white space, several separators in a
 * row, ';' between addresses, and blank-separated bare addresses. One backslash
 * before a local-part is dropped ("\root"). Refused: control characters, bad
 * UTF-8, a local-part over 64 octets, a path over 254, an empty local-part, and
 * what merely looks like an address: a lone word beside an address without a
 * comma, a lone piece of an encoded word.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define LOCAL_PART_MAXIMUM 64 /* octets, RFC 5321 section 4.5.3.1.1 */
#define PATH_MAXIMUM 254      /* without brackets, section 4.5.3.1.3 */

typedef struct
{
  char *display_name; /* as text, unquoted and unfolded; NULL where none */
  char *local_part;   /* in wire form: quoted where RFC 5321 wants it */
  char *domain;       /* as written, without a final dot; NULL: unqualified */
} Address;

void address_free (Address *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Address, address_free)
Address *address_copy (const Address *address);

/* Exactly one mailbox ("me@example.org", "<me@example.org>", "Me <me@…>").
 * NULL and FAILURE_DATA otherwise. */
Address *address_parse (const char *text, GError **error);

/* A whole list: the body of a To, Cc or Bcc field with its folding, or one
 * argument of argv. Every good address is appended to ADDRESSES (of Address);
 * a text for each bad one to PROBLEMS (of char *, nullable). True when there
 * was no bad one. */
bool address_parse_list (const char *text, size_t length,
                         GPtrArray *addresses, GPtrArray *problems);

/* Where TEXT, a list as above, lacks a domain: the offset (size_t) behind the
 * local-part of each good address that is unqualified, ascending. */
GArray *address_list_unqualified (const char *text, size_t length);

/* A stretch of a list that can be written in another way. */
typedef enum
{
  ADDRESS_NAME,    /* words of a display name, or of the name of a group */
  ADDRESS_COMMENT, /* with its parentheses */
  ADDRESS_DOMAIN,
  ADDRESS_COMMA, /* between addresses */
} AddressPart;

typedef struct
{
  AddressPart part;
  size_t start;
  size_t length;
} AddressPiece;

/* The pieces (of AddressPiece) of TEXT, a list as above, ascending, with
 * nothing in two of them. Bad addresses have no domains, and maybe no names. */
GArray *address_list_pieces (const char *text, size_t length);

/* local-part "@" domain, or the local-part alone: a forward-path or
 * reverse-path without its brackets. */
char *address_path (const Address *address);

/* The two parts of PATH, which address_path wrote. */
Address *address_of_path (const char *path);

/* An RFC 5322 mailbox for a header field: display name quoted, or encoded as
 * RFC 2047 has it where it is not ASCII. */
char *address_mailbox (const Address *address);

/* Same mailbox, for two paths as address_path writes them: local-part to the
 * octet, domain without regard to (ASCII) case. */
bool address_path_equal (const char *a, const char *b);

/* PATH with its domain in lower case: equal for equal paths. */
char *address_path_fold (const char *path);

/* Whether DOMAIN (not NULL) is a Domain or address-literal of RFC 5321 section
 * 4.1.2 (or its U-label form): also the test for an EHLO argument. */
bool address_domain_valid (const char *domain);

/* DOMAIN in A-labels (RFC 5890), by IDNA2008 without the transitional mapping.
 * NULL and FAILURE_DATA where it has no such form. */
char *address_domain_ascii (const char *domain, GError **error);
