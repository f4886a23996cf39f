import CCurl
import CLinux
import Glibc
import Synchronization

/// The thread on which the transfers of one client run, with its multi handle.
///
/// Everything of libcurl but `curl_multi_wakeup` is called on this thread alone.
final class HTTPClientEngine: @unchecked Sendable {  // `transfers` is touched on the thread only
  enum Command {
    case start(HTTPTransfer)
    case cancel(HTTPTransfer)
    case goOn(HTTPTransfer)
  }

  private struct Inbox {
    var commands: [Command] = []
    var isClosing = false
    var isOver = false
    var waitingForEnd: [CheckedContinuation<Void, Never>] = []
  }

  /// Owned: made in `init`, cleaned up by the thread at its end, woken only under the inbox's lock and only before.
  private let multi: CurlMulti
  private let name: String
  private let log: Log
  private let inbox = Mutex(Inbox())
  private var transfers: [CurlEasy: HTTPTransfer] = [:]

  init(configuration: HTTPClient.Configuration, log: Log) throws {
    guard Curl.isReady, let multi = curl_multi_init() else {
      throw HTTPClientError(.failed("libcurl cannot start"), requestMayHaveBeenSent: false)
    }
    self.multi = multi
    self.name = configuration.name
    self.log = log
    for (option, value) in [
      (CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maximumConnectionsPerHost),
      (CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.maximumConnections),
      (CURLMOPT_MAXCONNECTS, configuration.maximumConnections),
    ] {
      let code = adj_curl_multi_setopt_long(multi, option, value)
      guard code == CURLM_OK else {
        curl_multi_cleanup(multi)
        throw HTTPClientError(.failed(Curl.message(code)), requestMayHaveBeenSent: false)
      }
    }
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(self)  // the thread releases it
    let code = pthread_create(&thread, nil, httpClientThread, argument.toOpaque())
    guard code == 0 else {
      argument.release()
      curl_multi_cleanup(multi)
      throw HTTPClientError(.failed("no thread (errno \(code))"), requestMayHaveBeenSent: false)
    }
    pthread_detach(thread)
  }

  // MARK: From any thread

  /// - Returns: false if the engine takes nothing any more.
  @discardableResult
  func put(_ command: Command) -> Bool {
    inbox.withLock { inbox in
      guard !inbox.isClosing else { return false }
      inbox.commands.append(command)
      if inbox.commands.count == 1 { curl_multi_wakeup(multi) }
      return true
    }
  }

  func close() {
    inbox.withLock { inbox in
      guard !inbox.isClosing else { return }
      inbox.isClosing = true
      curl_multi_wakeup(multi)
    }
  }

  func shutdown() async {
    close()
    await withCheckedContinuation { continuation in
      let isOver = inbox.withLock { inbox in
        if !inbox.isOver { inbox.waitingForEnd.append(continuation) }
        return inbox.isOver
      }
      if isOver { continuation.resume() }
    }
  }

  // MARK: On the thread

  fileprivate func run() {
    adj_name_thread(name)
    while true {
      let (commands, isClosing) = inbox.withLock { inbox in
        defer { inbox.commands = [] }
        return (inbox.commands, inbox.isClosing)
      }
      for command in commands { execute(command) }
      if isClosing { break }
      var running: Int32 = 0
      check(curl_multi_perform(multi, &running), "curl_multi_perform")
      finishCompleted()
      check(curl_multi_poll(multi, nil, 0, 60_000, nil), "curl_multi_poll")
    }
    for transfer in Array(transfers.values) { end(transfer, .shutDown) }
    let waiting = inbox.withLock { inbox in
      inbox.isOver = true
      defer { inbox.waitingForEnd = [] }
      return inbox.waitingForEnd
    }
    curl_multi_cleanup(multi)
    for continuation in waiting { continuation.resume() }
  }

  private func check(_ code: CURLMcode, _ call: String) {
    guard code != CURLM_OK else { return }
    log.error("libcurl failed", ["call": .string(call), "reason": .string(Curl.message(code))])
    for transfer in Array(transfers.values) { end(transfer, .failed(Curl.message(code))) }
    // Whatever it is, trying again at once would turn it into a busy loop.
    usleep(100_000)
  }

  private func execute(_ command: Command) {
    switch command {
    case .start(let transfer):
      do {
        let easy = try transfer.makeHandle()
        let code = curl_multi_add_handle(multi, easy)
        guard code == CURLM_OK else {
          transfer.finish(.failed(Curl.message(code)))
          return
        }
        transfers[easy] = transfer
      } catch {
        transfer.finish((error as? HTTPClientError)?.reason ?? .failed("\(error)"))
      }
    case .cancel(let transfer): end(transfer, .cancelled)
    case .goOn(let transfer):
      guard transfer.easy.map({ transfers[$0] != nil }) == true else { return }
      if let reason = transfer.uploadFailure { end(transfer, reason) } else { transfer.goOn() }
    }
  }

  private func finishCompleted() {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      // Copied out before the handle is removed: the message goes with it.
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
      let code = message.pointee.data.result
      guard let transfer = transfers.removeValue(forKey: easy) else { continue }
      curl_multi_remove_handle(multi, easy)
      transfer.finish(after: code)
    }
  }

  private func end(_ transfer: HTTPTransfer, _ reason: HTTPClientError.Reason) {
    guard let easy = transfer.easy, transfers.removeValue(forKey: easy) != nil else { return }
    curl_multi_remove_handle(multi, easy)
    transfer.finish(reason)
  }
}

private func httpClientThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  Unmanaged<HTTPClientEngine>.fromOpaque(argument).takeRetainedValue().run()
  return nil
}
