#include "cli/version.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <zlib.h>

#include "account/libsecret.h"
#include "mail/idn2.h"
#include "smtp/gnutls.h"
#include "smtp/gsasl.h"

void
version_print (void)
{
  printf ("postrider %s\n", PACKAGE_VERSION);
  printf (_ ("License GPLv3+: GNU GPL version 3 or later\n"
             "This is free software: you are free to change and redistribute "
             "it.\nThere is NO WARRANTY, to the extent permitted by law.\n"));
  printf ("\nGLib %u.%u.%u, GnuTLS %s, GNU SASL %s, libsecret %d.%d.%d, "
          "libidn2 %s, zlib %s\n",
          glib_major_version, glib_minor_version, glib_micro_version,
          gnutls_check_version (NULL), gsasl_check_version (NULL),
          SECRET_MAJOR_VERSION, SECRET_MINOR_VERSION, SECRET_MICRO_VERSION,
          idn2_check_version (NULL), zlibVersion ());
}
