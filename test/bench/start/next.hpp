// The job of both programs.
#pragma once

inline int next(int number)
{
    return number + 1;
}
