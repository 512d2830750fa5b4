#include "base/crc.h"

#include <zlib.h>

#ifdef __x86_64__
#include <immintrin.h>

#define STRIDE 64

/* Remainders of powers of x, mirrored: what it takes to move sixteen octets on by
   that many. See V. Gopal and others, "Fast CRC Computation for Generic Polynomials
   Using PCLMULQDQ Instruction" (2009). */
#define BY_64 _mm_set_epi64x (0x1c6e41596, 0x154442bd4)
#define BY_16 _mm_set_epi64x (0x0ccaa009e, 0x1751997d0)

/* MORE, and in front of it what has the same remainder there as OCTETS have at their
   own place. */
__attribute__ ((target ("pclmul"))) static __m128i
fold (__m128i octets, __m128i by, __m128i more)
{
  __m128i low = _mm_clmulepi64_si128 (octets, by, 0x00);
  __m128i high = _mm_clmulepi64_si128 (octets, by, 0x11);

  return _mm_xor_si128 (_mm_xor_si128 (low, high), more);
}

/* Four lanes, as each multiplication takes some time. What they come to in the end
   are sixteen octets with the same CRC as all. LENGTH is a multiple of STRIDE. */
__attribute__ ((target ("pclmul"))) static uint32_t
update_by_strides (uint32_t crc, const void *octets, size_t length)
{
  const __m128i *p = octets;
  const __m128i *end = p + length / sizeof *p;
  __m128i before = _mm_cvtsi32_si128 ((int) ~crc);
  __m128i a = _mm_xor_si128 (_mm_loadu_si128 (p), before);
  __m128i b = _mm_loadu_si128 (p + 1);
  __m128i c = _mm_loadu_si128 (p + 2);
  __m128i d = _mm_loadu_si128 (p + 3);
  Bytef rest[sizeof *p];

  while ((p += 4) < end)
    {
      a = fold (a, BY_64, _mm_loadu_si128 (p));
      b = fold (b, BY_64, _mm_loadu_si128 (p + 1));
      c = fold (c, BY_64, _mm_loadu_si128 (p + 2));
      d = fold (d, BY_64, _mm_loadu_si128 (p + 3));
    }
  a = fold (fold (fold (a, BY_16, b), BY_16, c), BY_16, d);
  _mm_storeu_si128 ((__m128i *) rest, a);
  /* ~0 is what an empty register looks like from outside. */
  return (uint32_t) crc32_z (~UINT32_C (0), rest, sizeof rest);
}
#endif

uint32_t
crc_update (uint32_t crc, const void *octets, size_t length)
{
  const Bytef *p = octets;

#ifdef __x86_64__
  if (length >= STRIDE && __builtin_cpu_supports ("pclmul"))
    {
      size_t part = length - length % STRIDE;

      crc = update_by_strides (crc, p, part);
      p += part;
      length -= part;
    }
#endif
  return (uint32_t) crc32_z (crc, p, length);
}
