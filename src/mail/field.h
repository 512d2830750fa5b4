/* field.h - header fields that cannot leave as they are: with octets above 127
 * (RFC 2047, 2231, 6531), or in lines that are too long (RFC 5322 section
 * 2.1.1).
 *
 * How a field is encoded depends on its kind, which its name tells:
 *   addresses    display names, names of groups and comments become encoded
 *                words, a domain its A-labels; a local-part has no ASCII form
 *   parameters   (Content-Type, Content-Disposition) name*=charset''...
 *   structured   (Date, Message-ID, Received, ...) comments only
 *   signatures   (DKIM-Signature, ...) nothing
 *   all others   encoded words
 * What need not change keeps every octet, and so does what is an encoded word
 * already. What has no ASCII form is FAILURE_DATA, and so is any change where
 * SEALED says that a signature is about the fields (RFC 6376). After a failure
 * the header is good for nothing but to be freed.
 *
 * Pure, and bounded: a field becomes at most some six times as long.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "mail/header.h"

/* Every field of HEADER (of a message, or of a part of one) in ASCII, for a
 * relay without SMTPUTF8. A field that is not valid UTF-8 counts as one of
 * unknown charset, see below. */
bool field_make_ascii (Header *header, bool sealed, GError **error);

/* Encodes the fields that are not valid UTF-8, and only those. CHARSET is what
 * they probably are in, the charset of the message's Content-Type (NULL: not
 * known). Where it is one that mail is written in, and they are text in it,
 * they are converted to UTF-8 first; else they are "unknown-8bit" (RFC 1428).
 */
bool field_make_utf8 (Header *header, const char *charset, bool sealed,
                      GError **error);

/* Folds every line of more than 998 octets, at the last blank where that
 * leaves text on both sides; in a list of addresses also behind a comma. */
bool field_fold (Header *header, bool sealed, GError **error);
