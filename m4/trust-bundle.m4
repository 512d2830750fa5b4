# Where GnuTLS finds the authorities that this system trusts. Nothing tells, so this
# looks which file it opens. Where that is more than one, or none (such as with the
# trust module of p11-kit), there is no bundle.
AC_DEFUN([POSTRIDER_TRUST_BUNDLE],
[AC_CACHE_CHECK([for the bundle of authorities that GnuTLS reads],
  [postrider_cv_trust_bundle],
  [postrider_cv_trust_bundle=no
   postrider_saved_CFLAGS=$CFLAGS
   postrider_saved_LIBS=$LIBS
   CFLAGS="$CFLAGS $DEPS_CFLAGS"
   LIBS="$DEPS_LIBS $LIBS"
   AC_RUN_IFELSE([AC_LANG_SOURCE([[
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

static int watching, files;
static char found[4096];

static void *
see (const char *file, const char *function)
{
  if (watching && strcmp (file, found) != 0)
    {
      files++;
      (void) snprintf (found, sizeof found, "%s", file);
    }
  return dlsym (RTLD_NEXT, function);
}

#define SEE_FOPEN(name)                                                       \
  FILE *name (const char *file, const char *mode)                             \
  {                                                                           \
    FILE *(*next) (const char *, const char *) = see (file, #name);           \
    return next (file, mode);                                                 \
  }

#define SEE_OPEN(name)                                                        \
  int name (const char *file, int flags, int mode)                            \
  {                                                                           \
    int (*next) (const char *, int, int) = see (file, #name);                 \
    return next (file, flags, mode);                                          \
  }

SEE_FOPEN (fopen)
SEE_FOPEN (fopen64)
SEE_OPEN (open)
SEE_OPEN (open64)

int
main (void)
{
  gnutls_x509_trust_list_t list;

  if (gnutls_x509_trust_list_init (&list, 0) < 0)
    return 1;
  watching = 1;
  (void) gnutls_x509_trust_list_add_system_trust (list, 0, 0);
  watching = 0;
  return files != 1 || found[0] != '/' || puts (found) < 0;
}
]])],
     [postrider_cv_trust_bundle=`./conftest$EXEEXT`], [], [:])
   CFLAGS=$postrider_saved_CFLAGS
   LIBS=$postrider_saved_LIBS])
AS_IF([test "x$postrider_cv_trust_bundle" = xno],
  [trust_bundle=], [trust_bundle=$postrider_cv_trust_bundle])
AC_DEFINE_UNQUOTED([TRUST_BUNDLE], ["$trust_bundle"],
  [The file that GnuTLS reads the system's authorities from; "": there is none
   such.])])
