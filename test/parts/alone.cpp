// A static library of which nothing is used but a worker.
#include <string>

std::string alone(std::string const& text);

std::string alone(std::string const& text)
{
    return text + " alone";
}
