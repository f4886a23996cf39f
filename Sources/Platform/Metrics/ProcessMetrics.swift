import Glibc

extension Metrics {
  /// What Prometheus' own client libraries tell of every process, under the names that its dashboards expect.
  ///
  /// Source: Prometheus, "Writing client libraries", section "Process metrics". `process_start_time_seconds` is when this
  /// was called: a restart in place keeps the process.
  public func addProcess(startedAt start: Timestamp = SystemTime().timestamp) {
    counter("process_cpu_seconds_total", help: "User and system CPU time spent, in seconds") {
      ProcessFigures.cpuSeconds
    }
    gauge("process_start_time_seconds", help: "Start of the program since the Unix epoch, in seconds")()
      .set(Double(start.milliseconds) / 1000)
    let resident = gauge("process_resident_memory_bytes", help: "Memory in RAM, in bytes")()
    let virtual = gauge("process_virtual_memory_bytes", help: "Size of the address space, in bytes")()
    let open = gauge("process_open_fds", help: "Open file descriptors")()
    let maximum = gauge("process_max_fds", help: "File descriptors that the process may open")()
    onCollect {
      if let memory = ProcessFigures.memory {
        resident.set(Double(memory.resident))
        virtual.set(Double(memory.virtual))
      }
      if let count = ProcessFigures.openDescriptors { open.set(Double(count)) }
      if let count = ProcessFigures.maximumDescriptors { maximum.set(Double(count)) }
    }
  }
}

/// What the kernel knows of this process. Reading `/proc` waits for no disk.
public enum ProcessFigures {
  /// Bytes; nil where there is no `/proc`.
  public static var memory: (resident: Int, virtual: Int)? {
    guard let text = read("/proc/self/statm") else { return nil }
    let pages = text.split(separator: " ").prefix(2).compactMap { Int($0) }
    guard pages.count == 2 else { return nil }
    let size = sysconf(Int32(_SC_PAGESIZE))
    return (pages[1] * size, pages[0] * size)
  }

  public static var cpuSeconds: Double {
    var usage = rusage()
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1_000_000 }
  }

  public static var openDescriptors: Int? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) { if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 } }
    // One of them is the directory itself.
    return max(0, count - 1)
  }

  /// Nil if there is no limit.
  public static var maximumDescriptors: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
    return Int(exactly: limit.rlim_cur)
  }

  /// The first 4 KiB of a file that the kernel makes up when it is read.
  static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }
}
