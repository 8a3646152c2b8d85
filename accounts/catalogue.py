"""The roles that can be given (P4): by type of what they are for, each with what it lets somebody do."""

EVERYWHERE = "*"
"""How an assigned role names every geo, or every entity of its type."""

CONTROL_PLANES = "Control Planes"
MESH_CONTROL_PLANES = "Mesh Control Planes"
IDENTITY = "Identity"
AUDIT_LOGS = "Audit Logs"

CATALOGUE: dict[str, dict[str, str]] = {
    CONTROL_PLANES: {
        "Admin": "Manages control planes and everything under them.",
        "Certificate Admin": "Manages certificates.",
        "Cloud Gateway Cluster Admin": "Manages the clusters of cloud gateways.",
        "Cloud Gateway Cluster Viewer": "Reads the clusters of cloud gateways.",
        "Consumer Admin": "Manages consumers.",
        "Creator": "Creates control planes.",
        "Debug Session Creator": "Starts debug sessions.",
        "Deployer": "Deploys configuration: services, consumers and what belongs to them.",
        "Event Gateways Admin": "Manages event gateways.",
        "Event Gateways Creator": "Creates event gateways.",
        "Event Gateways Viewer": "Reads event gateways.",
        "Gateway Service Admin": "Manages gateway services.",
        "Key Admin": "Manages keys.",
        "Plugin Admin": "Manages plugins.",
        "Route Admin": "Manages routes.",
        "Serverless Cluster Admin": "Manages serverless clusters.",
        "Serverless Cluster Viewer": "Reads serverless clusters.",
        "SNI Admin": "Manages SNIs.",
        "Upstream Admin": "Manages upstreams.",
        "Vault Admin": "Manages vaults.",
        "Viewer": "Reads control planes and everything under them.",
    },
    MESH_CONTROL_PLANES: {
        "Admin": "Manages mesh global control planes and their zones.",
        "Connector": "Connects zones to a mesh global control plane.",
        "Creator": "Creates mesh global control planes.",
        "Viewer": "Reads mesh global control planes and their zones.",
    },
    IDENTITY: {
        "Admin": "Manages people, teams, roles and system accounts.",
    },
    AUDIT_LOGS: {
        "Admin": "Reads the organization's history.",
    },
    "APIs": {
        "Admin": "Manages APIs.",
        "Creator": "Creates APIs.",
        "Maintainer": "Maintains APIs.",
        "Publisher": "Publishes APIs.",
        "Registration Approver": "Approves registrations for APIs.",
        "Viewer": "Reads APIs.",
    },
    "API Products": {
        "Admin": "Manages API products.",
        "Application Registration": "Manages application registration.",
        "Creator": "Creates API products.",
        "Maintainer": "Maintains API products.",
        "Publisher": "Publishes API products.",
        "Viewer": "Reads API products.",
    },
    "Dashboards": {
        "Admin": "Manages dashboards.",
        "Creator": "Creates dashboards.",
        "Editor": "Changes dashboards.",
        "Viewer": "Reads dashboards.",
    },
    "Networks": {
        "Network Admin": "Manages networks.",
        "Network Creator": "Creates networks.",
        "Network Viewer": "Reads networks.",
    },
    "Portals": {
        "Admin": "Manages Dev Portals.",
        "API Registration Approver": "Approves registrations in Dev Portals.",
        "Appearance Maintainer": "Changes how Dev Portals look.",
        "Content Editor": "Changes the content of Dev Portals.",
        "Creator": "Creates Dev Portals.",
        "Maintainer": "Maintains Dev Portals.",
        "Product Publisher": "Publishes products in Dev Portals.",
        "Viewer": "Reads Dev Portals.",
    },
    "Reports": {
        "Admin": "Manages reports.",
        "Creator": "Creates reports.",
        "Editor": "Changes reports.",
        "Viewer": "Reads reports.",
    },
}

ORGANIZATION_WIDE = frozenset({IDENTITY, AUDIT_LOGS})
"""Types of what all geos share (P11): their roles can be limited to no geo and no entity."""

ENTITIES_KNOWN = frozenset({CONTROL_PLANES, MESH_CONTROL_PLANES})
"""Types whose entities the portal keeps, so that a role can be limited to one of them."""
