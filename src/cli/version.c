#include "cli/version.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <zlib.h>

#include "account/libsecret.h"
#include "base/gio.h"
#include "mail/idn2.h"
#include "smtp/gnutls.h"
#include "smtp/gsasl.h"
#include "smtp/json-glib.h"

static const char *
gnutls_version (void)
{
  return gnutls_check_version (NULL);
}

static const char *
gsasl_version (void)
{
  return gsasl_check_version (NULL);
}

static const char *
secret_version (void)
{
  static char text[32];

  (void) snprintf (text, sizeof text, "%d.%d.%d", SECRET_MAJOR_VERSION,
                   SECRET_MINOR_VERSION, SECRET_MICRO_VERSION);
  return text;
}

static const char *
idn2_version (void)
{
  return idn2_check_version (NULL);
}

/* Those that are loaded when they are needed; the last two tell no version. */
static const struct
{
  Library *library;
  const char *name;
  const char *(*version) (void);
} loaded[] = {
  { &gnutls_library, "GnuTLS", gnutls_version },
  { &gsasl_library, "GNU SASL", gsasl_version },
  { &secret_library, "libsecret", secret_version },
  { &idn2_library, "libidn2", idn2_version },
  { &gio_library, NULL, NULL },
  { &json_library, NULL, NULL },
};

static void
print_problems (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (loaded); i++)
    {
      g_autoptr (GError) error = NULL;

      if (!library_load (loaded[i].library, &error))
        printf ("%s\n", error->message);
    }
}

void
version_print (void)
{
  printf ("postrider %s\n", PACKAGE_VERSION);
  printf (_ ("License GPLv3+: GNU GPL version 3 or later\n"
             "This is free software: you are free to change and redistribute "
             "it.\nThere is NO WARRANTY, to the extent permitted by law.\n"));
  printf ("\nGLib %u.%u.%u", glib_major_version, glib_minor_version,
          glib_micro_version);
  for (size_t i = 0; i < G_N_ELEMENTS (loaded); i++)
    if (loaded[i].name != NULL && library_load (loaded[i].library, NULL))
      printf (", %s %s", loaded[i].name, loaded[i].version ());
  printf (", zlib %s\n", zlibVersion ());
  print_problems ();
}
