/* crc.h - CRC-32 as zlib has it, for octets by the gigabyte.
 *
 * zlib's own takes a third as long as it takes to write them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* CRC goes on over LENGTH octets more; it begins as 0. */
uint32_t crc_update (uint32_t crc, const void *octets, size_t length);
