import Glibc
import Platform

/// Starts this program anew in the same process: same id, same arguments, environment and folder, so that neither a
/// supervisor nor a terminal notices.
struct Restart {
  /// Where the program was when it started; a newer one that stands there by now is what starts.
  private let path: String

  /// At the start of the process: later the file may have been replaced, and the link would name what is gone.
  init() {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    path =
      count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : "/proc/self/exe"
  }

  /// Everything must be closed by now.
  /// - Returns: only if it did not work.
  func execute() -> SystemError {
    // Ignored signals and a blocked mask would outlast the change of the program.
    for value in ProcessSignal.allCases { signal(value.rawValue, SIG_DFL) }
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
    // What was opened without O_CLOEXEC, by whatever library, ends here too.
    for descriptor in Self.descriptors where descriptor > STDERR_FILENO {
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
    execv(access(path, X_OK) == 0 ? path : "/proc/self/exe", CommandLine.unsafeArgv)
    return SystemError(call: "execv", code: errno)
  }

  /// Those that are open now.
  private static var descriptors: [Int32] {
    guard let directory = opendir("/proc/self/fd") else { return [] }
    defer { closedir(directory) }
    var descriptors: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let descriptor = Int32(name) { descriptors.append(descriptor) }
    }
    return descriptors
  }
}
