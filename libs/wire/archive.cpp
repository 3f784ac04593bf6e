// The compiled half of the archives.
#include <wodehaus/detail/archive.hpp>

#include <boost/archive/impl/archive_serializer_map.ipp>

#include <cstdint>
#include <stdexcept>

#include <pthread.h>

namespace boost::archive::detail {

// What classes exported for polymorphic pointers are registered in.
template class WODEHAUS_DECL archive_serializer_map<wodehaus::detail::output_archive>;
template class WODEHAUS_DECL archive_serializer_map<wodehaus::detail::input_archive>;

} // namespace boost::archive::detail

namespace wodehaus::detail {

using boost::archive::archive_exception;

namespace {

/// How far the stack may reach. A quarter is left for what a user's `serialize` calls and for the way back.
std::uintptr_t lowest_on_stack(std::uintptr_t here)
{
    pthread_attr_t attributes;
    void* begin = nullptr;
    std::size_t size = 0;
    if (::pthread_getattr_np(::pthread_self(), &attributes) == 0) {
        ::pthread_attr_getstack(&attributes, &begin, &size);
        ::pthread_attr_destroy(&attributes);
    }
    auto low = reinterpret_cast<std::uintptr_t>(begin);
    if (here - low < size)
        return low + size / 4;
    constexpr std::uintptr_t little = 16 << 10; // a fiber's stack, of which nothing is known
    return here - little;
}

} // namespace

output_archive::output_archive(payload& to) : base(boost::archive::no_header), to_(to) {}

output_archive::~output_archive() = default;

input_archive::input_archive(std::span<char const> from, std::size_t budget)
    : base(boost::archive::no_header), from_(from), budget_(budget)
{
}

input_archive::~input_archive() = default;

void input_archive::look_at_the_stack(std::uintptr_t here)
{
    if (!lowest_)
        lowest_ = lowest_on_stack(here);
    if (here < lowest_)
        throw std::length_error{"the message is nested more deeply than the stack allows"};
}

ledger::pointer_loader const*
input_archive::load_pointer(void*& to, ledger::pointer_loader const* how,
                            ledger::pointer_loader const* (*find)(boost::serialization::extended_type_info const&))
{
    keep_off_the_end_of_the_stack();
    ledger_.meet_pointer(how);
    return base::load_pointer(to, how, find);
}

void input_archive::register_basic_serializer(ledger::object_loader const& what)
{
    ledger_.meet(what);
    base::register_basic_serializer(what);
}

void input_archive::load(boost::archive::class_id_type& value)
{
    int id = number<int>();
    if (ledger_.take_class_id(id))
        charge(1, pointee_); // whether it is a new object is told later, or never
    value = boost::archive::class_id_type(id);
}

void input_archive::load(boost::archive::object_id_type& value)
{
    auto id = number<std::uint_least32_t>();
    bool through_pointer = ledger_.through_pointer();
    if (!ledger_.take_object_id(id) && through_pointer)
        budget_ += pointee_; // it is there already
    value = boost::archive::object_id_type(id);
}

void input_archive::load_override(boost::archive::class_name_type& name)
{
    std::string text;
    load(text);
    if (text.size() > BOOST_SERIALIZATION_MAX_KEY_SIZE - 1)
        boost::serialization::throw_exception(archive_exception(archive_exception::invalid_class_name));
    std::memcpy(name.t, text.data(), text.size());
    name.t[text.size()] = '\0';
    ledger_.take_class_name(name.t);
}

void input_archive::end_too_early()
{
    throw std::length_error{"the message ends too early"};
}

void input_archive::beyond_budget()
{
    throw std::length_error{"the message asks for more memory than max_message allows"};
}

void input_archive::no_alternative()
{
    throw std::out_of_range{"the message names an alternative that its variant does not have"};
}

void wrong_length()
{
    throw std::length_error{"the message has not the length of what was saved"};
}

} // namespace wodehaus::detail
