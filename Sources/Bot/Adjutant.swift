import FoundationEssentials
import Glibc
import HTTPAPI
import KillTracker
import Platform
import Storage

@main
struct Adjutant {
  /// Plugins of this build, by the name that the configuration uses.
  static let pluginNames = ["administration", KillTrackerPlugin.id]

  static func main() async {
    let code: ExitCode
    do {
      let invocation = try ArgumentParser.parse(Array(CommandLine.arguments.dropFirst()))
      code = try await carryOut(invocation, environment: ProcessInfo.processInfo.environment)
    } catch {
      code = report(error)
    }
    exit(code.rawValue)
  }

  private static func carryOut(_ invocation: Invocation, environment: [String: String]) async throws -> ExitCode {
    switch invocation {
    case .help: Terminal.show(ArgumentParser.usage)
    case .version: Terminal.show("adjutant \(Version.current)")
    case .run(let path):
      return try await withConfiguration(path, environment) { configuration, file, sink in
        let reports = try Reports.begin(configuration, sink: sink)
        do {
          let code = try await Application(
            configuration: configuration, file: file, environment: environment, sink: sink, reports: reports
          ).run()
          await reports.end()
          return code
        } catch {
          Log(label: "bot", sink: reports.sink).error("the bot cannot go on", ["error": .error(error)])
          await reports.end()
          throw error
        }
      }
    case .sandbox(let path, let listen, let sizes):
      return try await withConfiguration(path, environment) { configuration, _, sink in
        try await SandboxCommand.run(
          listen: listen ?? configuration.sandboxListen, sizes: sizes, log: Log(label: "", sink: sink))
        return .success
      }
    case .token(let path, let request):
      return try await withConfiguration(path, environment) { configuration, _, sink in
        try await TokenCommand.run(request, configuration: configuration, log: Log(label: "", sink: sink))
        return .success
      }
    case .parseLog(let file, let asJSON): try await LogCommands.parse(file, asJSON: asJSON)
    case .watchLog(let path, let request):
      return try await withConfiguration(path, environment) { configuration, _, sink in
        try await WatchCommand.run(
          request, dataDirectory: configuration.dataDirectory, log: Log(label: "", sink: sink))
      }
    case .checkConfiguration(let path):
      _ = try ConfigurationFile(path: path).load(environment: environment, plugins: pluginNames)
      Terminal.show("The configuration is fine.")
    case .migrateDatabase(let path):
      return try await withConfiguration(path, environment) { configuration, _, sink in
        try await DatabaseCommands.migrate(configuration, log: Log(label: "", sink: sink))
        return .success
      }
    case .backUpDatabase(let path, let copy):
      return try await withConfiguration(path, environment) { configuration, _, sink in
        try await DatabaseCommands.backUp(configuration, to: copy, log: Log(label: "", sink: sink))
        return .success
      }
    }
    return .success
  }

  /// Reads the configuration and opens the log as it says; what was logged is written before this returns.
  private static func withConfiguration(
    _ path: String?, _ environment: [String: String],
    _ body: (Configuration, ConfigurationFile, StreamLogSink) async throws -> ExitCode
  ) async throws -> ExitCode {
    let file = ConfigurationFile(path: path)
    let configuration = try file.load(environment: environment, plugins: pluginNames)
    let format: LogFormat? =
      switch configuration.logStyle {
      case .automatic: nil
      case .text: .text(colour: isatty(STDERR_FILENO) == 1)
      case .json: .jsonLines
      }
    let sink = StreamLogSink(level: configuration.logLevel, format: format)
    defer { sink.flush() }
    return try await body(configuration, file, sink)
  }

  /// Says on standard error what went wrong, in the operator's terms, and chooses the exit code.
  private static func report(_ error: any Error) -> ExitCode {
    switch error {
    case let error as UsageError:
      Terminal.complain("adjutant: \(error)\nadjutant --help lists the commands.")
      return .usage
    case let errors as ConfigurationErrors:
      Terminal.complain("\(errors)")
      return .configuration
    case let error as DatabaseError:
      Terminal.complain("adjutant: \(error)")
      return error.kind == .configuration ? .configuration : .io
    case AccountError.invalid(let field, let reason):
      Terminal.complain("adjutant: \(field): \(reason)")
      return .usage
    case let error as GameLogFileError:
      Terminal.complain("adjutant: \(error)")
      return .io
    case let ended as WatchEnded:
      Terminal.complain("adjutant: \(ended). What was seen is kept.")
      return .refused
    case let error as KeyFileError:
      Terminal.complain("adjutant: \(error)")
      return .io
    case let error as ListenerUnavailable:
      Terminal.complain("adjutant: \(error)")
      return .unavailable
    case let error as SystemError where error.code == EADDRINUSE || error.code == EADDRNOTAVAIL:
      Terminal.complain("adjutant: the address to listen on cannot be used: \(error)")
      return .unavailable
    default:
      Terminal.complain("adjutant: \(error)")
      return .internalError
    }
  }
}
