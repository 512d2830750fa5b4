/* directory.h - a directory for one test, below $TMPDIR. */
#pragma once

#include <glib.h>

typedef struct
{
  char *path;
  int fd;
} Directory;

/* For g_test_add. The test leaves nothing in it. */
void directory_set_up (Directory *directory, const void *data);
void directory_tear_down (Directory *directory, const void *data);

/* Removes PATH with all below it. */
void directory_remove (const char *path);
