/* loaded.c - refers to each function that the program loads (base/library.h), and so
 * is linked with all that the program is not. Never run: a packager's tools find the
 * packages to depend on here. */

#include "account/libsecret.h"
#include "base/gio.h"
#include "mail/idn2.h"
#include "smtp/gnutls.h"
#include "smtp/gsasl.h"
#include "smtp/json-glib.h"

/* An address each, by the assembler, since their names are macros here. */
#define REFER(function) ".dc.a " #function "\n"

__asm__ (".pushsection .data\n" ".balign 8\n"
         SECRET_FUNCTIONS (REFER)
         GOBJECT_FUNCTIONS (REFER)
         GIO_FUNCTIONS (REFER)
         IDN2_FUNCTIONS (REFER)
         GNUTLS_FUNCTIONS (REFER)
         GSASL_FUNCTIONS (REFER)
         JSON_FUNCTIONS (REFER)
         ".popsection");

int
main (void)
{
  return 0;
}
