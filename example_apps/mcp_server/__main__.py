"""``python -m example_apps.mcp_server``"""

import uvicorn

from . import create_app

uvicorn.run(create_app(), port=8000)
