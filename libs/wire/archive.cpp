// The compiled half of the archives.
#include <wodehaus/detail/archive.hpp>

#include <boost/archive/impl/archive_serializer_map.ipp>

#include <stdexcept>

namespace boost::archive::detail {

// What classes exported for polymorphic pointers are registered in.
template class WODEHAUS_DECL archive_serializer_map<wodehaus::detail::output_archive>;
template class WODEHAUS_DECL archive_serializer_map<wodehaus::detail::input_archive>;

} // namespace boost::archive::detail

namespace wodehaus::detail {

using boost::archive::archive_exception;

output_archive::output_archive(payload& to) : base(boost::archive::no_header), to_(to) {}

output_archive::~output_archive() = default;

input_archive::input_archive(std::span<char const> from, std::size_t budget)
    : base(boost::archive::no_header), from_(from), budget_(budget)
{
}

input_archive::~input_archive() = default;

void input_archive::load_override(boost::archive::class_name_type& name)
{
    std::string text;
    load(text);
    if (text.size() > BOOST_SERIALIZATION_MAX_KEY_SIZE - 1)
        boost::serialization::throw_exception(archive_exception(archive_exception::invalid_class_name));
    std::memcpy(name.t, text.data(), text.size());
    name.t[text.size()] = '\0';
}

void input_archive::end_too_early()
{
    throw std::length_error{"the message ends too early"};
}

void input_archive::beyond_budget()
{
    throw std::length_error{"the message asks for more memory than max_message allows"};
}

void wrong_length()
{
    throw std::length_error{"the message has not the length of what was saved"};
}

} // namespace wodehaus::detail
