"""A JupyterHub's configuration: its users' servers are containers of the image IMAGE.

    jupyterhub --config tests/images/hub.py

The hub is the real one, and so are the servers. Only the proxy in front of both is left
out, for it needs Node.js: the test asks them at their own ports. HUB_PORT is the hub's,
HUB_TOKEN lets the test give its orders.
"""

import asyncio
import os

from jupyterhub.proxy import Proxy
from jupyterhub.spawner import Spawner
from jupyterhub.utils import random_port

c = get_config()  # noqa: F821 (JupyterHub defines it)


class NoProxy(Proxy):
    """Remembers the routes, as the hub asks now and then which there are."""

    should_start = False
    routes = {}

    async def add_route(self, routespec, target, data):
        """Remember a route."""
        self.routes[routespec] = {
            "routespec": routespec,
            "target": target,
            "data": data,
        }

    async def delete_route(self, routespec):
        """Forget a route."""
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        """Return all routes."""
        return self.routes


class ContainerSpawner(Spawner):
    """Starts a user's server as a container on this machine's network."""

    def container(self):
        """Return the container's name."""
        return f"book-test-hub-{os.environ['HUB_PORT']}"

    async def docker(self, *arguments):
        """Run docker; return its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            "docker", *arguments, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()
        return process.returncode, printed.decode()

    async def start(self):
        """Start the container; return the address of the server in it."""
        self.port = random_port()
        given = [f"--env={name}={value}" for name, value in self.get_env().items()
                 if name.startswith("JUPYTERHUB_")]  # fmt: skip
        code, _ = await self.docker(
            "run", "--detach", "--rm", "--network=host", "--name", self.container(),
            *given, os.environ["IMAGE"], "start-singleuser.py",
        )  # fmt: skip
        if code:
            raise RuntimeError("the container did not start")
        return "127.0.0.1", self.port

    async def poll(self):
        """Return None while the container runs."""
        code, _ = await self.docker("top", self.container())
        return code or None

    async def stop(self, now=False):
        """Remove the container."""
        await self.docker("rm", "--force", self.container())


c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.spawner_class = ContainerSpawner
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.hub_port = int(os.environ["HUB_PORT"])
c.JupyterHub.db_url = "sqlite:///:memory:"
c.JupyterHub.services = [{"name": "test", "api_token": os.environ["HUB_TOKEN"]}]
c.JupyterHub.load_roles = [
    {"name": "test", "services": ["test"],
     "scopes": ["admin:users", "admin:servers", "access:servers", "proxy"]},
]  # fmt: skip
c.Spawner.start_timeout = c.Spawner.http_timeout = 300
