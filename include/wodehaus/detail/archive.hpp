// Boost.Serialization archives on a payload: binary, without a header, without a stream and its locale.
// After boost::mpi's packed archives, with the checks that bytes from another process need.
#pragma once

#include <boost/archive/archive_exception.hpp>
#include <boost/archive/basic_archive.hpp>
#include <boost/archive/detail/common_iarchive.hpp>
#include <boost/archive/detail/common_oarchive.hpp>
#include <boost/archive/detail/register_archive.hpp>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/collection_size_type.hpp>
#include <boost/serialization/is_bitwise_serializable.hpp>
#include <boost/serialization/item_version_type.hpp>
#include <boost/serialization/string.hpp>
#include <wodehaus/detail/ledger.hpp>
#include <wodehaus/detail/payload.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace boost {
template <class T>
class scoped_ptr;
template <class T>
class shared_ptr;
} // namespace boost

namespace wodehaus::detail {

/// Arrays of numbers travel as one block of bytes.
struct array_as_bytes {
    template <class T>
    struct apply : boost::serialization::is_bitwise_serializable<T> {};
};

class WODEHAUS_DECL output_archive : public boost::archive::detail::common_oarchive<output_archive> {
    using base = boost::archive::detail::common_oarchive<output_archive>;
    friend class boost::archive::detail::interface_oarchive<output_archive>;
    friend class boost::archive::save_access;

public:
    using use_array_optimization = array_as_bytes;

    /// Appends to `to`, which outlives it.
    explicit output_archive(payload& to);
    ~output_archive();

    void save_binary(void const* from, std::size_t size) { to_.append(from, size); }
    template <class T>
    void save_array(boost::serialization::array_wrapper<T> const& array, unsigned)
    {
        save_binary(array.address(), array.count() * sizeof(T));
    }

    template <class T>
        requires std::is_arithmetic_v<T>
    void save(T const& value)
    {
        save_binary(&value, sizeof value);
    }
    void save(std::string const& value) { save_characters(value); }
    void save(std::wstring const& value) { save_characters(value); }
    void save(boost::archive::class_id_type const& value) { save_as<int>(value); }
    void save(boost::archive::class_id_reference_type const& value) { save_as<int>(value); }
    void save(boost::archive::object_id_type const& value) { save_as<std::uint_least32_t>(value); }
    void save(boost::archive::object_reference_type const& value) { save_as<std::uint_least32_t>(value); }
    void save(boost::archive::version_type const& value) { save_as<std::uint_least32_t>(value); }
    void save(boost::archive::tracking_type const& value) { save_as<bool>(value); }
    void save(boost::serialization::item_version_type const& value) { save_as<unsigned>(value); }
    void save(boost::serialization::collection_size_type const& value) { save_as<std::size_t>(value); }

private:
    template <class T>
    void save_override(T const& value)
    {
        base::save_override(value);
    }
    void save_override(boost::archive::class_id_optional_type const&) {}
    void save_override(boost::archive::class_name_type const& name) { save(std::string(name)); }

    template <class Number, class Value>
    void save_as(Value const& value)
    {
        Number number = value;
        save(number);
    }
    template <class String>
    void save_characters(String const& value)
    {
        save(value.size());
        save_binary(value.data(), value.size() * sizeof(typename String::value_type));
    }

    payload& to_;
};

/// How many bytes of a message one T takes at least; 0 where nothing is known of it.
template <class T>
inline constexpr std::size_t least_size = std::is_arithmetic_v<T> ? sizeof(T)
                                          : std::is_enum_v<T>     ? std::min(sizeof(T), sizeof(int))
                                          : std::is_pointer_v<T>  ? sizeof(int)
                                                                  : 0;
template <class T>
inline constexpr std::size_t least_size<T const> = least_size<T>;
template <class T, class Allocator>
inline constexpr std::size_t least_size<std::vector<T, Allocator>> = sizeof(std::size_t);
template <>
inline constexpr std::size_t least_size<std::string> = sizeof(std::size_t);
template <>
inline constexpr std::size_t least_size<std::wstring> = sizeof(std::size_t);
template <class T, class U>
inline constexpr std::size_t least_size<std::pair<T, U>> = least_size<T> + least_size<U>;

template <class T>
inline constexpr owner owner_of = owner::nobody;
template <class T>
inline constexpr owner owner_of<std::unique_ptr<T>> = owner::alone;
template <class T>
inline constexpr owner owner_of<boost::scoped_ptr<T>> = owner::alone;
template <class T>
inline constexpr owner owner_of<std::shared_ptr<T>> = owner::std_shared;
template <class T>
inline constexpr owner owner_of<boost::shared_ptr<T>> = owner::boost_shared;

/// What a count in a message counts.
struct counted {
    std::size_t size = 1;          ///< of one, in memory
    std::size_t least = 0;         ///< of one, in the message
    counted const* then = nullptr; ///< what the next count is of, if the same container has two
};
inline constexpr counted unknown_things{}, things_in_place{0, 0, nullptr}, buckets{sizeof(void*), 0, nullptr};

/// What a container's count is of.
template <class T>
inline constexpr counted elements_of{1, 0, nullptr};
template <class T>
    requires(requires { typename T::value_type; } && std::is_object_v<typename T::value_type>)
inline constexpr counted elements_of<T>{sizeof(typename T::value_type), least_size<typename T::value_type>,
                                        requires { typename T::hasher; } ? &buckets : nullptr};

/// Boost's containers of pointers read a count that does not say that it is one.
template <class T>
concept pointer_container = requires {
    typename T::auto_type;
    requires std::is_pointer_v<typename T::value_type>;
};

/// Boost reads which of its alternatives a variant holds, and looks only whether the number is too large.
template <class T>
concept one_of_several = requires(T const& value) {
    typename T::types;
    { value.which() } -> std::same_as<int>;
} || requires(T const& value) { value.valueless_by_exception(); };

/// What a message's next plain number is to Boost, where it asks for no more than a number.
enum class meaning : unsigned char { value, count, alternative };

class WODEHAUS_DECL input_archive : public boost::archive::detail::common_iarchive<input_archive> {
    using base = boost::archive::detail::common_iarchive<input_archive>;
    friend class boost::archive::detail::interface_iarchive<input_archive>;
    friend class boost::archive::load_access;

public:
    using use_array_optimization = array_as_bytes;

    /// Reads `from`, which outlives it. `budget` bounds what all the counts and pointers in it may ask to be allocated,
    /// in bytes; what a user's own `serialize` does with a number that it has read is not seen.
    input_archive(std::span<char const> from, std::size_t budget);
    ~input_archive();

    /// Whether all was read; what was saved and is loaded by the same type leaves nothing.
    bool at_end() const noexcept { return from_.empty(); }

    void load_binary(void* to, std::size_t size)
    {
        if (size > from_.size())
            end_too_early();
        if (size)
            std::memcpy(to, from_.data(), size);
        from_ = from_.subspan(size);
    }
    template <class T>
    void load_array(boost::serialization::array_wrapper<T>& array, unsigned)
    {
        if (array.count() > from_.size() / sizeof(T))
            end_too_early();
        if constexpr (std::is_same_v<T, bool>)
            for (std::size_t i = 0; i < array.count(); ++i)
                load(array.address()[i]);
        else
            load_binary(array.address(), array.count() * sizeof(T));
    }

    // Boost calls these for each object and each pointer.
    void load_object(void* to, ledger::object_loader const& how)
    {
        keep_off_the_end_of_the_stack();
        ledger_.meet(how);
        base::load_object(to, how);
    }
    ledger::pointer_loader const*
    load_pointer(void*& to, ledger::pointer_loader const* how,
                 ledger::pointer_loader const* (*find)(boost::serialization::extended_type_info const&));
    void register_basic_serializer(ledger::object_loader const& what);

    template <class T>
        requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
    void load(T& value)
    {
        load_binary(&value, sizeof value);
        if constexpr (std::is_same_v<T, std::size_t>) {
            if (next_number_ == meaning::count) [[unlikely]]
                take_count(value, buckets); // as large as pointers
        } else if constexpr (std::is_same_v<T, int>) {
            if (next_number_ == meaning::alternative) [[unlikely]]
                take_alternative(value);
        }
    }
    void load(bool& value)
    {
        unsigned char byte = 0;
        load_binary(&byte, 1);
        value = byte != 0; // any other bit pattern in a bool would be undefined behaviour
    }
    void load(std::string& value) { load_characters(value); }
    void load(std::wstring& value) { load_characters(value); }
    void load(boost::archive::class_id_type& value);
    void load(boost::archive::object_id_type& value);
    void load(boost::archive::version_type& value)
    {
        value = boost::archive::version_type(number<std::uint_least32_t>());
    }
    void load(boost::archive::tracking_type& value)
    {
        bool tracked = false;
        load(tracked);
        value = boost::archive::tracking_type(tracked);
    }
    void load(boost::serialization::item_version_type& value)
    {
        value = boost::serialization::item_version_type(number<unsigned>());
    }
    void load(boost::serialization::collection_size_type& value)
    {
        auto count = number<std::size_t>();
        auto const& what = *std::exchange(next_, &unknown_things);
        take_count(count, what);
        if (what.then)
            next_ = what.then;
        value = boost::serialization::collection_size_type(count);
    }

private:
    template <class T>
    void load_override(T& value)
    {
        expect<T>();
        base::load_override(value);
    }
    void load_override(boost::archive::class_id_optional_type&) {}
    void load_override(boost::archive::class_name_type& name);

    // What is about to be loaded tells what a count, or a pointer, that comes next is of.
    template <class T>
    void expect()
    {
        using namespace boost::serialization;
        if constexpr (std::is_pointer_v<T>)
            pointee_ = sizeof(std::remove_pointer_t<T>);
        else if constexpr (std::is_array_v<T>)
            next_ = &things_in_place;
        else if constexpr (implementation_level<T>::value > primitive_type && !is_wrapper<T>::type::value)
            next_ = &elements_of<T>;
        if constexpr (owner_of<T> != owner::nobody)
            ledger_.owned_by(owner_of<T>);
        if constexpr (pointer_container<T>)
            next_number_ = meaning::count;
        else if constexpr (one_of_several<T>)
            next_number_ = meaning::alternative;
    }

    template <class T>
    T number()
    {
        T value{};
        load_binary(&value, sizeof value);
        return value;
    }
    template <class String>
    void load_characters(String& value)
    {
        constexpr auto width = sizeof(typename String::value_type);
        auto size = number<std::size_t>();
        if (size > from_.size() / width)
            end_too_early();
        charge(size, width);
        value.resize(size);
        load_binary(value.data(), size * width);
    }
    void take_count(std::size_t count, counted const& what)
    {
        next_number_ = meaning::value;
        if (what.least && count > from_.size() / what.least)
            end_too_early();
        charge(count, what.size);
    }
    void take_alternative(int which)
    {
        next_number_ = meaning::value;
        if (which < 0)
            no_alternative();
    }
    void charge(std::size_t count, std::size_t size)
    {
        if (size && count > budget_ / size)
            beyond_budget();
        budget_ -= count * size;
    }

    // A type that contains itself nests as deeply as the message says: until the stack is used up, but not beyond.
    // Nothing is counted on the way: only what lies far below the archive itself is looked at.
    void keep_off_the_end_of_the_stack()
    {
        constexpr std::uintptr_t not_far = 64 << 10;
        auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
        if (reinterpret_cast<std::uintptr_t>(this) - here + not_far > 2 * not_far) [[unlikely]]
            look_at_the_stack(here);
    }
    void look_at_the_stack(std::uintptr_t here);
    [[noreturn]] static void end_too_early();
    [[noreturn]] static void beyond_budget();
    [[noreturn]] static void no_alternative();

    std::span<char const> from_;
    std::size_t budget_, pointee_ = 0;
    counted const* next_ = &unknown_things;
    std::uintptr_t lowest_ = 0; ///< where the stack may not reach; 0: not looked up yet
    meaning next_number_ = meaning::value;
    ledger ledger_;
};

/// What is alone in its message as no more than its elements: what a fuzzer changes there is content, and no count.
template <class T>
inline constexpr bool is_bare_block = false;
template <>
inline constexpr bool is_bare_block<std::string> = true;
template <class T, class Allocator>
inline constexpr bool is_bare_block<std::vector<T, Allocator>> =
    (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) || std::is_same_v<T, std::byte>;

/// Appends `value`. Numbers and blocks need no archive's book-keeping, which costs page faults in a fresh process.
template <class T>
void save(payload& to, T const& value)
{
    if constexpr (std::is_arithmetic_v<T>)
        to.append(&value, sizeof value);
    else if constexpr (is_bare_block<T>)
        to.append(value.data(), value.size() * sizeof(typename T::value_type));
    else
        output_archive{to} << value;
}

[[noreturn]] WODEHAUS_DECL void wrong_length();

/// Throws if `from` is not exactly what `save` made of a T.
template <class T>
void load(std::span<char const> from, std::size_t budget, T& value)
{
    if constexpr (std::is_same_v<T, bool>) {
        if (from.size() != 1)
            wrong_length();
        value = from[0] != 0;
    } else if constexpr (std::is_arithmetic_v<T>) {
        if (from.size() != sizeof value)
            wrong_length();
        std::memcpy(&value, from.data(), sizeof value);
    } else if constexpr (is_bare_block<T>) {
        using element = typename T::value_type;
        if (from.size() % sizeof(element) != 0)
            wrong_length();
        if constexpr (sizeof(element) == 1) {
            auto const* first = reinterpret_cast<element const*>(from.data());
            value.assign(first, first + from.size());
        } else {
            value.resize(from.size() / sizeof(element));
            if (!from.empty())
                std::memcpy(value.data(), from.data(), from.size());
        }
    } else {
        input_archive archive{from, budget};
        archive >> value;
        if (!archive.at_end())
            wrong_length();
    }
}

} // namespace wodehaus::detail

BOOST_SERIALIZATION_REGISTER_ARCHIVE(wodehaus::detail::output_archive)
BOOST_SERIALIZATION_REGISTER_ARCHIVE(wodehaus::detail::input_archive)
BOOST_SERIALIZATION_USE_ARRAY_OPTIMIZATION(wodehaus::detail::output_archive)
BOOST_SERIALIZATION_USE_ARRAY_OPTIMIZATION(wodehaus::detail::input_archive)
