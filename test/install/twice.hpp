// What the two programs of a user know.
#pragma once

inline int twice(int number)
{
    return 2 * number;
}
