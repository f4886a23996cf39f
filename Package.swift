// swift-tools-version: 6.1
import PackageDescription

// The rooms of the house, bottom first: a target may depend only on targets declared above it.
// C libraries come from the distribution; there is no Swift package dependency.

let cLibraries: [Target] = [
  .systemLibrary(
    name: "CCurl", path: "Sources/CLibraries/CCurl",
    pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
  .systemLibrary(
    name: "COpenSSL", path: "Sources/CLibraries/COpenSSL",
    pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
  .systemLibrary(
    name: "CZlib", path: "Sources/CLibraries/CZlib",
    pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  .systemLibrary(
    name: "CZstd", path: "Sources/CLibraries/CZstd",
    pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
  .systemLibrary(
    name: "CSQLite", path: "Sources/CLibraries/CSQLite",
    pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
  .systemLibrary(
    name: "CPostgreSQL", path: "Sources/CLibraries/CPostgreSQL",
    pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
  .systemLibrary(
    name: "CCairo", path: "Sources/CLibraries/CCairo",
    pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
  .target(name: "CLinux", path: "Sources/CLibraries/CLinux"),
  .target(
    name: "CSimdjson", path: "Sources/CLibraries/CSimdjson",
    linkerSettings: [.linkedLibrary("simdjson")]),
]

let rooms: [Target] = [
  .target(
    name: "Platform",
    dependencies: ["CCurl", "COpenSSL", "CZlib", "CZstd", "CSimdjson", "CLinux"]),
  .target(name: "Drawing", dependencies: ["CCairo"]),
  .target(name: "HTTP", dependencies: ["Platform"]),
  .target(name: "Storage", dependencies: ["Platform", "CSQLite", "CPostgreSQL", "CLinux"]),
  .target(name: "Core", dependencies: ["Platform", "Storage"]),
  .target(name: "Gateway", dependencies: ["Platform"]),
  .target(name: "Commands", dependencies: ["Platform", "Storage", "Core", "Gateway"]),
  .target(name: "GatewayStore", dependencies: ["Platform", "Core", "Gateway"]),
  .target(
    name: "Administration",
    dependencies: ["Platform", "Storage", "Core", "Gateway", "Commands"],
    path: "Sources/Plugins/Administration"),
  .target(
    name: "KillTracker", dependencies: ["Platform", "Storage", "Core", "Gateway", "Commands", "Drawing"],
    path: "Sources/Plugins/KillTracker"),
  .target(
    name: "HTTPAPI",
    dependencies: ["Platform", "HTTP", "Storage", "Core", "Gateway", "Commands", "KillTracker"],
    path: "Sources/Plugins/HTTPAPI",
    resources: [.embedInCode("Surfaces/Pegasus/Page")]),
  .target(name: "Sandbox", dependencies: ["Platform", "HTTP"], resources: [.embedInCode("Playground")]),
  .executableTarget(
    name: "Bot",
    dependencies: [
      "Platform", "HTTP", "Storage", "Core", "Gateway", "Commands", "GatewayStore", "Administration",
      "KillTracker", "HTTPAPI", "Sandbox",
    ]),
  .target(name: "CAllocationCounter", path: "Sources/CLibraries/CAllocationCounter"),
  .executableTarget(
    name: "Benchmarks",
    dependencies: [
      "Platform", "HTTP", "Storage", "Core", "Gateway", "KillTracker", "HTTPAPI", "CLinux", "CZlib",
      "CAllocationCounter",
    ]),
]

let tests: [Target] = [
  .target(
    name: "CTLSServer", path: "Tests/Support/CTLSServer",
    linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
  .target(
    name: "CJSONOracle", path: "Tests/Support/CJSONOracle", linkerSettings: [.linkedLibrary("simdjson")]),
  .target(name: "TestInputs", dependencies: ["Platform"], path: "Tests/Support/TestInputs"),
  .testTarget(name: "PlatformTests", dependencies: ["Platform", "CTLSServer", "CJSONOracle", "TestInputs"]),
  .target(name: "HTTPTestSupport", dependencies: ["HTTP", "Platform"], path: "Tests/Support/HTTPTestSupport"),
  .testTarget(name: "HTTPTests", dependencies: ["HTTP", "HTTPTestSupport", "TestInputs", "http-sample"]),
  .executableTarget(
    name: "http-sample", dependencies: ["Platform", "HTTP"], path: "Tests/Support/HTTPSample"),
  .executableTarget(
    name: "StorageCrashProbe", dependencies: ["Storage"], path: "Tests/Support/StorageCrashProbe"),
  .target(name: "StorageTestSupport", dependencies: ["Storage"], path: "Tests/Support/StorageTestSupport"),
  .testTarget(name: "DrawingTests", dependencies: ["Drawing"]),
  .testTarget(name: "StorageTests", dependencies: ["Storage", "StorageTestSupport", "StorageCrashProbe"]),
  .executableTarget(
    name: "EventProbe", dependencies: ["Core", "Storage", "Platform"], path: "Tests/Support/EventProbe"),
  .testTarget(name: "CoreTests", dependencies: ["Core", "StorageTestSupport", "EventProbe"]),
  .testTarget(name: "GatewayTests", dependencies: ["Gateway", "HTTP", "Sandbox", "TestInputs"]),
  .executableTarget(
    name: "GatewayProbe", dependencies: ["GatewayStore", "Gateway", "Core", "Storage", "Platform"],
    path: "Tests/Support/GatewayProbe"),
  .testTarget(
    name: "GatewayStoreTests",
    dependencies: [
      "GatewayStore", "Gateway", "Core", "Storage", "Platform", "Sandbox", "StorageTestSupport", "GatewayProbe",
    ]),
  .testTarget(name: "CommandsTests", dependencies: ["Platform", "Storage", "Core", "Gateway", "Commands"]),
  .testTarget(
    name: "AdministrationTests",
    dependencies: ["Platform", "Storage", "Core", "Gateway", "Commands", "Administration"]),
  .testTarget(
    name: "KillTrackerTests",
    dependencies: [
      "KillTracker", "Platform", "HTTP", "Storage", "Core", "Gateway", "Commands", "HTTPTestSupport",
      "StorageTestSupport", "Drawing",
    ]),
  .executableTarget(
    name: "WebhookProbe", dependencies: ["HTTPAPI", "Core", "Storage", "Platform"], path: "Tests/Support/WebhookProbe"),
  .testTarget(
    name: "HTTPAPITests",
    dependencies: [
      "HTTP", "HTTPAPI", "KillTracker", "HTTPTestSupport", "Sandbox", "StorageTestSupport", "WebhookProbe",
    ]),
  .testTarget(name: "SandboxTests", dependencies: ["Sandbox", "HTTP", "Platform", "TestInputs"]),
  .testTarget(name: "BotTests", dependencies: ["Bot", "Platform", "HTTP", "Storage", "Core", "HTTPAPI", "Sandbox"]),
]

let package = Package(
  name: "adjutant",
  products: [
    .executable(name: "adjutant", targets: ["Bot"]),
    .executable(name: "benchmarks", targets: ["Benchmarks"]),
  ],
  targets: cLibraries + rooms + tests,
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
