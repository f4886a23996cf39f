import Core
import Synchronization

/// A page of the list, with what was made of it: answers in the forms of the documents that print it.
///
/// What is kept here cannot outlive the page: the first transaction that is stored ends both. What a form shows beside
/// the page is for its maker to check.
public final class KeptKillPage: Sendable {
  public let page: KillPage
  /// Who takes part in a kill of the page, or told of it: they see more of it than others.
  let involved: Set<UserID>
  private let forms = Mutex<[ObjectIdentifier: any Sendable]>([:])

  init(_ page: KillPage, involved: Set<UserID>) {
    self.page = page
    self.involved = involved
  }

  /// The form of that type that was made of this page before, if it is still right; else one that is made now and kept.
  public func form<Form: Sendable>(
    isRight: (Form) -> Bool, make: (KillPage) throws -> Form
  ) rethrows -> Form {
    let type = ObjectIdentifier(Form.self)
    if let known = forms.withLock({ $0[type] }) as? Form, isRight(known) { return known }
    let form = try make(page)
    forms.withLock { $0[type] = form }
    return form
  }
}
