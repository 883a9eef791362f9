// SPDX-License-Identifier: Apache-2.0
// Files in and out: whole inputs mapped into memory, outputs that appear complete or not at all.
#ifndef BNN_FILES_H_
#define BNN_FILES_H_

#include "options.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstring>
#include <string>

/// A file's bytes, read-only, for as long as the object lives.
class MappedFile {
public:
    explicit MappedFile(const std::string& path) {
        const int descriptor = open(path.c_str(), O_RDONLY);
        struct stat status;
        if (descriptor < 0 || fstat(descriptor, &status) != 0) fail(path + ": " + std::strerror(errno));
        size_ = static_cast<size_t>(status.st_size);
        if (size_ != 0) {
            // Read ahead now: page faults in the evaluation loop would count as simulation time.
#ifdef MAP_POPULATE
            const int flags = MAP_PRIVATE | MAP_POPULATE;
#else
            const int flags = MAP_PRIVATE;
#endif
            void* const address = mmap(nullptr, size_, PROT_READ, flags, descriptor, 0);
            if (address == MAP_FAILED) fail(path + ": " + std::strerror(errno));
            data_ = static_cast<const uint8_t*>(address);
        }
        close(descriptor);
    }
    ~MappedFile() {
        if (size_ != 0) munmap(const_cast<uint8_t*>(data_), size_);
    }
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    const uint8_t* data() const { return data_; }
    size_t size() const { return size_; }

private:
    const uint8_t* data_ = nullptr;
    size_t size_ = 0;
};

/// A file that is written under another name beside its place; `commit` renames it, without that it is removed.
class NewFile {
public:
    explicit NewFile(const std::string& path) : path_(path), temporary_(path + ".part") {
        file_ = std::fopen(temporary_.c_str(), "wb");
        if (!file_) fail(temporary_ + ": " + std::strerror(errno));
    }
    ~NewFile() {
        if (file_) std::fclose(file_);
        if (!committed_) std::remove(temporary_.c_str());
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    std::FILE* stream() const { return file_; }

    void commit() {
        const bool written = !std::ferror(file_);
        const bool closed = std::fclose(file_) == 0;
        file_ = nullptr;
        if (!written || !closed || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
            const std::string reason = std::strerror(errno);
            std::remove(temporary_.c_str());
            fail(path_ + ": " + reason);
        }
        committed_ = true;
    }

private:
    std::string path_;
    std::string temporary_;
    std::FILE* file_ = nullptr;
    bool committed_ = false;
};

#endif
