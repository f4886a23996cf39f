import Glibc
import HTTP
import Platform

// A small API with one route of each kind, for tools that read its description and try to break it.
// Prints its address and serves until it is killed, or for the seconds of its argument.

let listen = try SocketAddress(parsing: CommandLine.arguments.dropFirst().first ?? "127.0.0.1:0")
let server = HTTPServer(HTTPServerConfiguration(listen: listen, name: "sample"), router: SampleAPI().router())
let address = try await server.start()
print("http://\(address)")
fflush(nil)
try await Task.sleep(for: .seconds(Int(CommandLine.arguments.dropFirst(2).first ?? "") ?? 600))
await server.shutdown(grace: .seconds(1))
