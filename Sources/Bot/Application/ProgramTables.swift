import HTTPAPI
import KillTracker
import Storage

/// The tables that this program has beside those of Core, plugins of other builds excepted: in one place, so that every
/// command brings the same database up to date.
enum ProgramTables {
  static let modules: [MigrationModule] = [HTTPAPITables.module, WebhookTables.module] + TrackerServices.tables
}
