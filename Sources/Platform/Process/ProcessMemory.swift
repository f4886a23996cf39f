import CLinux
import Glibc

/// How much memory this process uses, in bytes.
///
/// All of it is read from memory of the kernel's and the allocator's own: it costs microseconds and waits for no disk.
public struct ProcessMemory: Sendable, Equatable {
  /// In physical memory at this moment (`/proc/self/statm`).
  public var resident: Int
  /// Allocated from the heaps by the program.
  public var heapUsed: Int
  /// What the heaps hold, in use or not.
  public var heapTotal: Int
  /// Large blocks, which the allocator maps one by one outside of the heaps.
  public var mapped: Int

  public init(resident: Int, heapUsed: Int, heapTotal: Int, mapped: Int) {
    self.resident = resident
    self.heapUsed = heapUsed
    self.heapTotal = heapTotal
    self.mapped = mapped
  }

  /// Where the kernel does not tell, ``resident`` is 0.
  public static var current: ProcessMemory {
    let heap = adj_heap()
    return ProcessMemory(
      resident: ProcessFigures.memory?.resident ?? 0, heapUsed: Int(heap.used), heapTotal: Int(heap.total),
      mapped: Int(heap.mapped))
  }

  /// The most that this process may use: the narrowest limit of its control groups, and the machine's memory. Nil if the
  /// kernel does not tell.
  public static var limit: Int? {
    var limits: [Int] = []
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    if machine > 0 { limits.append(machine) }
    limits += controlGroups(ProcessFigures.read("/proc/self/cgroup") ?? "").compactMap { file in
      ProcessFigures.read(file).flatMap { Int($0.prefix { $0 != "\n" }) }
    }
    return limits.filter { $0 > 0 }.min()
  }

  /// The files that can hold a limit, from the process's own group to the root. In a container the file system shows the
  /// container's group as the root, whatever the path says.
  static func controlGroups(_ description: String) -> [String] {
    var files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    for line in description.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      var path = parts[2].split(separator: "/")
      while !path.isEmpty {
        let group = path.joined(separator: "/")
        if parts[0] == "0" {
          files.append("/sys/fs/cgroup/\(group)/memory.max")
        } else if parts[1].split(separator: ",").contains("memory") {
          files.append("/sys/fs/cgroup/memory/\(group)/memory.limit_in_bytes")
        }
        path.removeLast()
      }
    }
    return files
  }
}
