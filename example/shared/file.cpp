#include "shared/file.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

namespace fs = std::filesystem;

void replace(fs::path const& file, std::string const& content)
{
    auto meanwhile = file;
    meanwhile += ".part";
    std::ofstream out{meanwhile, std::ios::trunc};
    out << content;
    out.close();
    std::error_code error, missing;
    if (out)
        fs::rename(meanwhile, file, error);
    else
        error.assign(errno, std::generic_category());
    if (error) {
        fs::remove(meanwhile, missing);
        throw std::system_error{error, "cannot write " + file.string()};
    }
}
