#pragma once
#include <stdint.h>

// Takes the place of the C library's allocation functions in the program that links it, and counts while told to.
// Counting means one addition per allocation; otherwise everything goes straight through.

// Begins at zero.
void adj_allocations_start(void);
// How many blocks all threads were given since the start.
uint64_t adj_allocations_stop(void);
// Bytes in use on the heap, all arenas and what was mapped by itself.
uint64_t adj_heap_in_use(void);
