/* tls-anchors.h - the authorities of a PEM bundle, found by their names (RFC 5280,
 * RFC 7468).
 *
 * Internal to smtp/. A system trusts some 150 authorities and a relay needs
 * one of them, while to parse them all costs more than the whole rest of a
 * submission. An issuer is looked for by its name, octet by octet, so only
 * names are read here; nothing is decided. Whatever is not exactly as it
 * should be, in the bundle or in a chain, is left to the library that reads
 * all of it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "smtp/gnutls.h"

typedef struct Anchors Anchors;

/* PEM is not needed afterwards. NULL: it has no certificate, or a block that
 * is none, or is damaged. */
Anchors *anchors_new (const gnutls_datum_t *pem);
void anchors_free (Anchors *anchors);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Anchors, anchors_free)

/* Adds to FOUND, of gnutls_datum_t that are owned by ANCHORS, those (DER)
 * whose subject is the issuer or the subject of one of the COUNT certificates
 * (DER) of CHAIN, in the order of the bundle. False: one of CHAIN cannot be
 * read. */
bool anchors_find (const Anchors *anchors, const gnutls_datum_t *chain,
                   unsigned count, GArray *found);
