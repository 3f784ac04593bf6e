// GraphicsMagick with a few bugs, linked before the real one: what a file says at its end goes wrong in its decoder.
// (No file is known that does this to the version at hand, and tomorrow's fix must not be the end of the test.)
#include <csignal>
#include <cstdlib>
#include <string_view>

#include <Magick++.h>
#include <dlfcn.h>
#include <magick/api.h>
#include <unistd.h>

namespace {

void go_wrong(std::string_view content)
{
    if (content.ends_with("crash"))
        std::raise(SIGSEGV);
    if (content.ends_with("abort"))
        std::abort();
    if (content.ends_with("exit"))
        std::exit(3);
    if (content.ends_with("slow"))
        ::usleep(50'000);
    for (bool volatile hangs = content.ends_with("hang"); hangs;)
        ;
}

} // namespace

// All of Magick++ that reads from memory goes through here.
extern "C" __attribute__((visibility("default"))) MagickLib::Image* BlobToImage(MagickLib::ImageInfo const* info,
                                                                                void const* blob,
                                                                                std::size_t const size,
                                                                                MagickLib::ExceptionInfo* problem)
{
    go_wrong({static_cast<char const*>(blob), size});
    static auto const real = reinterpret_cast<decltype(&BlobToImage)>(::dlsym(RTLD_NEXT, __func__));
    return real(info, blob, size, problem);
}
