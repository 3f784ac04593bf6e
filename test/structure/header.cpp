// A program's file that includes one header and nothing else.
#include HEADER
