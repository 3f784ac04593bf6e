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
#include <wodehaus/detail/payload.hpp>

#include <string>
#include <type_traits>

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

class WODEHAUS_DECL input_archive : public boost::archive::detail::common_iarchive<input_archive> {
    using base = boost::archive::detail::common_iarchive<input_archive>;
    friend class boost::archive::detail::interface_iarchive<input_archive>;
    friend class boost::archive::load_access;

public:
    using use_array_optimization = array_as_bytes;

    /// Reads `from`, which outlives it. `budget` bounds what all the counts in it may ask to be allocated, in bytes.
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
        load_binary(array.address(), array.count() * sizeof(T));
    }

    template <class T>
        requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
    void load(T& value)
    {
        load_binary(&value, sizeof value);
    }
    void load(bool& value)
    {
        unsigned char byte = 0;
        load_binary(&byte, 1);
        value = byte != 0; // any other bit pattern in a bool would be undefined behaviour
    }
    void load(std::string& value) { load_characters(value); }
    void load(std::wstring& value) { load_characters(value); }
    void load(boost::archive::class_id_type& value) { value = boost::archive::class_id_type(number<int>()); }
    void load(boost::archive::class_id_reference_type& value)
    {
        value = boost::archive::class_id_reference_type(boost::archive::class_id_type(number<int>()));
    }
    void load(boost::archive::object_id_type& value)
    {
        value = boost::archive::object_id_type(number<std::uint_least32_t>());
    }
    void load(boost::archive::object_reference_type& value)
    {
        value = boost::archive::object_reference_type(boost::archive::object_id_type(number<std::uint_least32_t>()));
    }
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
        charge(count, std::exchange(element_size_, 1));
        value = boost::serialization::collection_size_type(count);
    }

private:
    template <class T>
    void load_override(T& value)
    {
        // A container tells the size of its elements just before its count is read.
        if constexpr (requires { typename T::value_type; })
            element_size_ = sizeof(typename T::value_type);
        base::load_override(value);
    }
    void load_override(boost::archive::class_id_optional_type&) {}
    void load_override(boost::archive::class_name_type& name);

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
    void charge(std::size_t count, std::size_t size)
    {
        if (count > budget_ / size)
            beyond_budget();
        budget_ -= count * size;
    }
    [[noreturn]] static void end_too_early();
    [[noreturn]] static void beyond_budget();

    std::span<char const> from_;
    std::size_t budget_, element_size_ = 1;
};

/// Appends `value`. Numbers and strings need no archive's book-keeping, which costs page faults in a fresh process.
template <class T>
void save(payload& to, T const& value)
{
    if constexpr (std::is_arithmetic_v<T>)
        to.append(&value, sizeof value);
    else if constexpr (std::is_same_v<T, std::string>)
        to.append(value.data(), value.size());
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
    } else if constexpr (std::is_same_v<T, std::string>) {
        value.assign(from.data(), from.size());
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
