// SPDX-License-Identifier: Apache-2.0
// Trees: one out of many by a function of two, in as many levels as their number has bits.
#ifndef BNN_TREE_HPP_
#define BNN_TREE_HPP_

#include "pragma.hpp"

namespace bnn {
namespace detail {

/// Levels of a tree with so many leaves.
constexpr unsigned tree_levels(unsigned leaves) { return leaves <= 1 ? 0 : 1 + tree_levels((leaves + 1) / 2); }

/// `join(a, b)` of neighbours, the earlier ones first, and of the results, until one is left; `items` are overwritten.
template <unsigned Count, class Item, class Join>
Item tree(Item (&items)[Count], const Join& join) {
    BNN_PRAGMA(HLS INLINE)
    BNN_PRAGMA(HLS ARRAY_PARTITION variable=items complete)
    constexpr unsigned levels = tree_levels(Count);
    for (unsigned level = 0; level < levels; ++level) {
        BNN_PRAGMA(HLS UNROLL)
        for (unsigned pair = 0; pair < Count / 2; ++pair) {
            BNN_PRAGMA(HLS UNROLL)
            const unsigned left = pair << (level + 1);
            const unsigned right = left + (1u << level);
            if (right < Count) items[left] = join(items[left], items[right]);
        }
    }
    return items[0];
}

}  // namespace detail

}  // namespace bnn

#endif
