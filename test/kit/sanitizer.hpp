// Which sanitizer a test was built with, for the few tests that one of them makes impossible.
#pragma once

#ifndef __has_feature
#define __has_feature(what) 0 // g++'s way follows
#endif
#if __has_feature(thread_sanitizer) || defined(__SANITIZE_THREAD__)
#define KIT_THREAD_SANITIZER // has its own operator new
#endif
#if __has_feature(address_sanitizer) || defined(__SANITIZE_ADDRESS__)
#define KIT_ADDRESS_SANITIZER // takes what Boost.Serialization loses for an error; a fork finds its allocator locked
#endif
#if __has_feature(undefined_behavior_sanitizer)
#define KIT_UNDEFINED_BEHAVIOR_SANITIZER // takes a division by zero for itself
#endif
