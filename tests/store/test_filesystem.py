import pytest

from trimtab.store.filesystem import is_network

MOUNTS = """
/dev/vda1 / ext4 rw 0 0
server:/export /home nfs4 rw 0 0
/dev/vdb1 /home/local xfs rw 0 0
//server/share /mnt/my\\040share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/srv/digits.db", False),
        ("/home/me/digits.db", True),
        ("/homes/digits.db", False),
        ("/home/local/digits.db", False),
        ("/mnt/my share/digits.db", True),
    ],
)
def test_a_path_on_another_machine_is_known_by_its_mount(path, network):
    assert is_network(path, MOUNTS) is network


def test_without_a_list_of_mounts_a_path_is_taken_for_local():
    assert is_network("/srv/digits.db", "") is False
