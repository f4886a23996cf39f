/// How the process ends. The numbers are those of BSD's sysexits.h where one fits.
enum ExitCode: Int32 {
  case success = 0
  case usage = 64
  /// An address to listen on is taken.
  case unavailable = 69
  case internalError = 70
  /// The database or a file cannot be read or written.
  case io = 74
  /// Discord refuses the token or an intent: starting again would not help.
  case refused = 77
  case configuration = 78
}
