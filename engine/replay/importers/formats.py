"""The formats that `vigil import` knows, by name."""

from engine.replay.importers import Importer, github_status, uci_servicenow

FORMATS: dict[str, Importer] = {
    "uci-servicenow": uci_servicenow.convert,
    "github-status": github_status.convert,
}
