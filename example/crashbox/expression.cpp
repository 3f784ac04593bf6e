#include "expression.hpp"

#include <cctype>
#include <map>
#include <numeric>
#include <vector>

namespace {

using numbers = std::vector<long>;

long add(numbers const& all)
{
    return std::accumulate(all.begin(), all.end(), 0L);
}
long subtract(numbers const& all)
{
    auto const* first = all.data(); // of (-) there is none
    return *first - std::accumulate(all.begin() + 1, all.end(), 0L);
}
long multiply(numbers const& all)
{
    return std::accumulate(all.begin(), all.end(), 1L, [](long one, long other) { return one * other; });
}
long divide(numbers const& all)
{
    return all.at(0) / all.at(1); // by anything
}
long repeat(numbers const& all)
{
    return add(numbers(static_cast<std::size_t>(all.at(0)), all.at(1))); // as often as it says
}

class parser {
public:
    explicit parser(std::string const& text) : text_(text) {}

    long expression() // however deep they are nested
    {
        skip_spaces();
        return text_[at_] == '(' ? list() : number();
    }

private:
    long list()
    {
        ++at_;
        auto operation = operations()[word()]; // one that it does not know is null
        numbers operands;
        for (skip_spaces(); text_[at_] != ')'; skip_spaces())
            if (at_ < text_.size()) // and without its ) a list never ends
                operands.push_back(expression());
        ++at_;
        return operation(operands);
    }
    long number() { return std::stol(word()); }

    std::string word()
    {
        std::string found;
        while (at_ < text_.size() && !is_space() && text_[at_] != '(' && text_[at_] != ')')
            found += text_[at_++];
        return found;
    }
    void skip_spaces()
    {
        while (is_space())
            ++at_;
    }
    bool is_space() const { return at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])); }

    static std::map<std::string, long (*)(numbers const&)>& operations()
    {
        static std::map<std::string, long (*)(numbers const&)> all{
            {"+", add}, {"-", subtract}, {"*", multiply}, {"/", divide}, {"repeat", repeat}};
        return all;
    }

    std::string const& text_;
    std::size_t at_ = 0;
};

} // namespace

long evaluate(std::string const& text)
{
    return parser{text}.expression();
}
